/** The panels one above the other on one time axis, with the events of rules above them. */

import { useEffect, useMemo, useState } from "react";
import type { Trace } from "../api/trace";
import type { RuleEvent } from "../state/event";
import type { TimeRange } from "../state/range";
import { useView } from "../state/view";
import { EventStrip } from "./EventStrip";
import type { Line } from "./lines";
import { markEvents } from "./marks";
import { carriesSignal, dropInto } from "./MoveHandle";
import { Panel } from "./Panel";
import { panelsOf } from "./panels";
import { RangeSlider } from "./RangeSlider";
import { redrawAll } from "./registry";

/** More panels than this scroll, and the last one's time axis may be out of sight: then each one has times. */
const FITTING = 5;

interface Props {
  readonly vehicle: string;
  readonly lines: readonly Line[];
  readonly range: TimeRange;
  readonly counts: ReadonlyMap<string, number>;
  readonly events: readonly RuleEvent[];
  /** The session, or as much of time as the view reaches. */
  readonly extent: TimeRange;
  /** A signal over all of the session. */
  readonly overview: Trace | undefined;
}

export function PanelStack({ vehicle, lines, range, counts, events, extent, overview }: Props) {
  const placed = useView((view) => view.placed);
  const cursors = useView((view) => view.cursors);
  const panels = useMemo(() => panelsOf(lines, placed), [lines, placed]);
  const rightAxes = Math.max(0, ...panels.map(({ units }) => units.length - 1));
  const [over, setOver] = useState(false);

  useEffect(() => {
    markEvents(events);
    redrawAll();
  }, [events, cursors]);

  return (
    <>
      <div className="panels">
        <EventStrip events={events} range={range} rightAxes={rightAxes} />
        {panels.map((panel, i) => (
          <Panel
            key={panel.id}
            panel={panel}
            panels={panels}
            vehicle={vehicle}
            range={range}
            labels={i === panels.length - 1 ? "full" : panels.length > FITTING ? "clock" : "none"}
            rightAxes={rightAxes}
            counts={counts}
          />
        ))}
        <div
          className={over ? "new-panel drop" : "new-panel"}
          onDragOver={(event) => {
            if (!carriesSignal(event)) return;
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            setOver(false);
            dropInto(event, null, panels);
          }}
        >
          A panel of its own
        </div>
      </div>
      <RangeSlider extent={extent} range={range} trace={overview} rightAxes={rightAxes} />
    </>
  );
}
