/** Where things stand in a panel: alike in all panels, so that one instant is one line through all of them. */

export const AXIS_WIDTH = 68;
const EDGE = 30;

/** What is written below a panel: nothing, times, or times with their days. */
export type TimeLabels = "none" | "clock" | "full";

export const TIME_AXIS_HEIGHT: Readonly<Record<TimeLabels, number>> = { none: 0, clock: 26, full: 42 };

/** Room at the right of the plot for so many axes; a panel with fewer leaves it empty. */
export function rightGutter(axes: number): number {
  return axes > 0 ? axes * AXIS_WIDTH : EDGE;
}
