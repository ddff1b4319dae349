/** Which of the answers that are there draws a view: the one that is good enough, else the one that shows most of it. */

import { spanOf, type TimeRange } from "../state/range";
import type { Trace } from "./trace";
import { contains, shareOf, windowOf } from "./window";

export interface SeriesAnswer {
  readonly vehicle: string;
  /** What was asked for; every sample in it is in what `traces` say. */
  readonly range: TimeRange;
  readonly maxPoints: number;
  readonly traces: readonly Trace[];
}

/** Lines may be this much coarser than asked for anew: less is not seen. */
const TOLERANCE = 1.3;

const everySample = ({ traces }: SeriesAnswer): boolean => traces.every(({ method }) => method === null);

const coarseness = (answer: SeriesAnswer): number => (everySample(answer) ? 0 : spanOf(answer.range) / answer.maxPoints);

/** Whether asking again would show nothing more. */
export function suffices(answer: SeriesAnswer, range: TimeRange, maxPoints: number): boolean {
  if (!contains(answer.range, range)) return false;
  return coarseness(answer) <= (TOLERANCE * spanOf(windowOf(range))) / maxPoints;
}

/** The answer that shows most of `range`, of equal ones the finest; none where all are elsewhere. */
export function bestOf(answers: readonly SeriesAnswer[], range: TimeRange): SeriesAnswer | undefined {
  let best: SeriesAnswer | undefined;
  let share = 0;
  for (const answer of answers) {
    const here = shareOf(range, answer.range);
    if (here > share || (here === share && here > 0 && best && coarseness(answer) < coarseness(best))) {
      best = answer;
      share = here;
    }
  }
  return best;
}
