/** Numbers as text. */

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** `1,200`: a count that is read digit by digit. */
export function formatCount(count: number): string {
  return GROUPED.format(count);
}

/** `36.4K`: a count whose size matters. */
export function formatCompact(count: number): string {
  return COMPACT.format(count);
}

/** The noun for so many: `1 object`, `2 objects`. */
export function nounFor(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

/** A physical value with so many significant digits and no trailing zeros; `–` where there is none. */
export function formatValue(value: number | null | undefined, digits = 6): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(3);
  return String(size >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits)));
}
