/** Above the charts: which range, how to move it, and what to take away. */

import { ExportMenu } from "../charts/ExportMenu";
import type { Line } from "../charts/lines";
import { panned, sameRange, spanOf, zoomed, type TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { formatSpan } from "../state/time";
import { clearCursors, placeCursors, resetRange, showRange, stepBack, stepForward, useView } from "../state/view";
import { CopyLink } from "./CopyLink";
import { DisplayMenu } from "./DisplayMenu";
import { IconButton } from "./IconButton";
import { LiveSwitch } from "./LiveSwitch";
import { RangeInputs } from "./RangeInputs";

interface Props {
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly signals: readonly SignalKey[];
  readonly lines: readonly Line[];
  readonly growing: boolean;
}

export function Toolbar({ vehicle, range, signals, lines, growing }: Props) {
  const { home, past, future, cursors } = useView();
  const measuring = cursors.a !== null && cursors.b !== null;
  const precise = range.from % 1000 !== 0 || range.to % 1000 !== 0;
  return (
    <div className={precise ? "toolbar precise" : "toolbar"} role="toolbar" aria-label="Time range">
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
      <div className="button-group">
        <IconButton icon="measure" label="Measure" hotkey="m" pressed={measuring} onClick={measuring ? clearCursors : placeCursors} />
      </div>
      <span className="spacer" />
      <LiveSwitch growing={growing} />
      <DisplayMenu />
      <CopyLink />
      <ExportMenu vehicle={vehicle} range={range} signals={signals} lines={lines} />
    </div>
  );
}
