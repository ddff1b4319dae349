/** Above the charts: which range, how to move it, and what to take away. */

import type { SeriesAnswer } from "../api/queries";
import { csvOf } from "../charts/csv";
import { download, fileName } from "../charts/download";
import { panned, sameRange, spanOf, zoomed, type TimeRange } from "../state/range";
import { formatSpan, isoInstant } from "../state/time";
import { resetRange, showRange, stepBack, stepForward, useView } from "../state/view";
import { CopyLink } from "./CopyLink";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";
import { LiveSwitch } from "./LiveSwitch";
import { RangeInputs } from "./RangeInputs";

interface Props {
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly answer: SeriesAnswer | undefined;
  readonly growing: boolean;
}

export function Toolbar({ vehicle, range, answer, growing }: Props) {
  const { home, past, future } = useView();
  return (
    <div className="toolbar" role="toolbar" aria-label="Time range">
      <RangeInputs range={range} />
      <span className="span-badge number">{formatSpan(spanOf(range))}</span>
      <div className="button-group">
        <IconButton icon="left" label="Earlier" hotkey="h" onClick={() => showRange(panned(range, -0.5))} />
        <IconButton icon="right" label="Later" hotkey="l" onClick={() => showRange(panned(range, 0.5))} />
      </div>
      <div className="button-group">
        <IconButton icon="in" label="Zoom in" hotkey="+" onClick={() => showRange(zoomed(range, 0.5))} />
        <IconButton icon="out" label="Zoom out" hotkey="-" onClick={() => showRange(zoomed(range, 2))} />
        <IconButton icon="fit" label="Reset zoom" hotkey="f" disabled={sameRange(range, home)} onClick={resetRange} />
      </div>
      <div className="button-group">
        <IconButton icon="back" label="Back" hotkey="[" disabled={past.length === 0} onClick={stepBack} />
        <IconButton icon="forward" label="Forward" hotkey="]" disabled={future.length === 0} onClick={stepForward} />
      </div>
      <span className="spacer" />
      <LiveSwitch growing={growing} />
      <CopyLink />
      <button
        type="button"
        className="button"
        disabled={!answer || answer.traces.length === 0}
        title="What is drawn, as a table: one row per instant, one column per signal"
        onClick={() => {
          if (!answer) return;
          const name = fileName([vehicle, isoInstant(answer.range.from)], "csv");
          download(name, new Blob([csvOf(answer.traces)], { type: "text/csv" }));
        }}
      >
        <Icon name="download" />
        CSV
      </button>
    </div>
  );
}
