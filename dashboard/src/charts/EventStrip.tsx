/** The events of rules as marks above the panels, where they begin; a click shows one from near. */

import { eventsWithin, rangeAround, type RuleEvent } from "../state/event";
import { spanOf, type TimeRange } from "../state/range";
import { formatClock, formatDay, formatSpan } from "../state/time";
import { showRange } from "../state/view";
import { AXIS_WIDTH, rightGutter } from "./geometry";
import { SEVERITY_COLOR } from "./marks";

/** Marks closer than this part of the width stand on each other: they become one. */
const CLOSE = 1 / 80;

interface Props {
  readonly events: readonly RuleEvent[];
  readonly range: TimeRange;
  readonly rightAxes: number;
}

export function EventStrip({ events, range, rightAxes }: Props) {
  const marks = marksOf(events, range);
  if (marks.length === 0) return null;
  return (
    <div className="event-strip" role="group" aria-label="Events of rules">
      <div style={{ position: "absolute", inset: `0 ${rightGutter(rightAxes)}px 0 ${AXIS_WIDTH}px` }}>
        {marks.map(({ event, at, more }) => (
          <button
            key={event.id}
            type="button"
            className="event-mark"
            style={{ left: `${100 * at}%`, color: `var(${SEVERITY_COLOR[event.severity]})` }}
            aria-label={`${event.rule}, ${event.severity}, ${formatDay(event.range.from)} ${formatClock(event.range.from)}${more > 0 ? `, and ${more} more` : ""}`}
            title={`${event.rule}: ${event.key} ${event.condition} ${event.unit} for ${formatSpan(spanOf(event.range))}${more > 0 ? `, and ${more} more` : ""}`}
            onClick={() => showRange(rangeAround(event, range))}
          >
            ◆
          </button>
        ))}
      </div>
    </div>
  );
}

export interface Mark {
  /** The first of those that stand here. */
  readonly event: RuleEvent;
  /** Where, as a fraction of the range. */
  readonly at: number;
  readonly more: number;
}

/** Where to mark the events that have a part in a range: one that began before it stands at its left end. */
export function marksOf(events: readonly RuleEvent[], range: TimeRange): Mark[] {
  const marks: Mark[] = [];
  for (const event of eventsWithin(events, range)) {
    const at = Math.max(0, (event.range.from - range.from) / spanOf(range));
    const last = marks.at(-1);
    if (last && at - last.at < CLOSE) marks[marks.length - 1] = { ...last, more: last.more + 1 };
    else marks.push({ event, at, more: 0 });
  }
  return marks;
}
