import { describe, expect, it } from "vitest";
import { envelopeOf, traceOf, withGaps } from "./trace";
import type { SeriesData } from "./types";

const points = (...times: number[]) => ({ t: times, v: times.map((t) => t * 10) });

describe("withGaps", () => {
  it("puts one null into the middle of each gap, whatever the order of the gaps", () => {
    const series = { columns: points(0, 1, 10, 11, 30), gaps: [[11, 30], [1, 10]] as [number, number][] };
    expect(withGaps(series)).toEqual({ t: [0, 1, 5.5, 10, 11, 20.5, 30], v: [0, 10, null, 100, 110, null, 300] });
  });

  it("leaves a series without gaps alone, and an empty one empty", () => {
    expect(withGaps({ columns: points(1, 2), gaps: [] })).toEqual({ t: [1, 2], v: [10, 20] });
    expect(withGaps({ columns: points(1, 2) })).toEqual({ t: [1, 2], v: [10, 20] });
    expect(withGaps({ columns: points(), gaps: [[1, 2]] })).toEqual({ t: [], v: [] });
  });

  it("parts neighbours although thinning out removed the samples beside the gap", () => {
    expect(withGaps({ columns: points(0, 20), gaps: [[9, 12]] })).toEqual({ t: [0, 10.5, 20], v: [0, null, 200] });
  });

  it("marks nothing before the first and after the last point", () => {
    const series = { columns: points(10, 11), gaps: [[1, 9], [12, 20]] as [number, number][] };
    expect(withGaps(series)).toEqual({ t: [10, 11], v: [100, 110] });
  });

  it("keeps values that are null themselves", () => {
    expect(withGaps({ columns: { t: [1], v: [null] } }).v).toEqual([null]);
  });
});

describe("traceOf", () => {
  const series: SeriesData = {
    name: "Pack_SOC", message_name: "BMS", unit: "%", columns: points(1, 2), downsampled: true, source_points: 90,
    method: "minmaxlttb", resolution_ms: 45,
  };

  it("is keyed by message and signal", () => {
    const trace = traceOf({ message_name: "BMS", signal_name: "Pack_SOC" }, series);
    expect(trace).toMatchObject({ key: "BMS.Pack_SOC", unit: "%", drawn: 2, source: 90, method: "minmaxlttb", bucketMs: 45, envelope: null, choices: null });
  });

  it("names no method when nothing was left out", () => {
    const whole = { ...series, downsampled: false, method: "raw", source_points: 2 } as const;
    expect(traceOf({ message_name: "BMS", signal_name: "Pack_SOC" }, whole).method).toBeNull();
  });
});

describe("envelopeOf", () => {
  const envelope = { t: [0, 10, 40, 50], min: [1, 2, 3, 4], max: [5, 6, 7, 8] };

  it("stands in the middles of its buckets, parted by gaps between them", () => {
    expect(envelopeOf(envelope, [[18, 41]])).toEqual({
      t: [5, 15, 29.5, 45, 55], low: [1, 2, null, 3, 4], high: [5, 6, null, 7, 8],
    });
  });

  it("is parted once by several gaps in a row, and not before it begins", () => {
    expect(envelopeOf(envelope, [[-9, -1], [16, 17], [18, 41]]).low).toEqual([1, 2, null, null, 3, 4]);
    expect(envelopeOf({ t: [7], min: [1], max: [2] }, [[1, 2]])).toEqual({ t: [7], low: [1], high: [2] });
  });
});
