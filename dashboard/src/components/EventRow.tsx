/** One event: which rule, how long, how far; one press brings it into the charts. */

import { useEffect, useRef } from "react";
import type { RuleEvent } from "../state/event";
import { formatValue } from "../state/number";
import { spanOf } from "../state/range";
import { formatClock, formatDay, formatSpan } from "../state/time";

interface Props {
  readonly event: RuleEvent;
  readonly current: boolean;
  readonly onShow: () => void;
}

export function EventRow({ event, current, onShow }: Props) {
  const { rule, severity, description, key, condition, unit, range, worst, openStart, openEnd } = event;
  const long = spanOf(range) > 0 ? formatSpan(spanOf(range)) : "one sample";
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <li ref={row}>
      <button type="button" data-row className={`event ${severity}`} aria-current={current} title={description} onClick={onShow}>
        <span className="event-rule">
          <span className="event-severity">{severity}</span>
          {rule}
        </span>
        <span className="number event-clock">{formatClock(range.from, 3)}</span>
        <span className="muted event-what">
          {key} {condition} {unit}
        </span>
        <span className="muted number event-size">
          {formatDay(range.from)} · {openStart && "… "}
          {long}
          {openEnd && " …"} · worst {formatValue(worst, 5)}
        </span>
      </button>
    </li>
  );
}
