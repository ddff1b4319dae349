/** The numbers of a panel as uPlot wants them, in the order of its series. */

import { alignColumns, type Aligned } from "./align";
import type { Line } from "./lines";

/** Times, then, if `banded`, highest and lowest values of the buckets of each line that has some, then the values of each line. */
export function dataOf(lines: readonly Line[], banded: boolean): Aligned {
  const bands = lines.flatMap(({ trace: { envelope } }) =>
    envelope && banded ? [{ t: envelope.t, columns: [envelope.high, envelope.low] }] : [],
  );
  return alignColumns([...bands, ...lines.map(({ trace: { t, v } }) => ({ t, columns: [v] }))]);
}
