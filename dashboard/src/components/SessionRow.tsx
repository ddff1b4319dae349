/** One recording: when, how long, how much; one press shows it whole. */

import { memo } from "react";
import type { Session } from "../api/types";
import { formatCompact, nounFor } from "../state/number";
import { spanOf } from "../state/range";
import { sessionRange } from "../state/session";
import { formatClock, formatDay, formatSpan } from "../state/time";
import { openRange } from "../state/view";

interface Props {
  readonly session: Session;
  readonly current: boolean;
  readonly growing: boolean;
}

export const SessionRow = memo(function SessionRow({ session, current, growing }: Props) {
  const span = sessionRange(session);
  return (
    <li>
      <button type="button" className="session" aria-current={current} onClick={() => openRange(span)}>
        <span className="session-day">
          {formatDay(span.from)}
          {growing && <span className="growing">recording</span>}
        </span>
        <span className="session-clock number">
          {formatClock(span.from)} – {formatClock(span.to)}
        </span>
        <span className="session-size muted number">
          {formatSpan(spanOf(span))} · {formatCompact(session.sample_count)} {nounFor(session.sample_count, "frame")}
        </span>
      </button>
    </li>
  );
});
