/** The fleet in a few numbers: each leads to the vehicles behind it, those with most of it first. */

import { decodedShare, formatShare, type Counts, type Order } from "../../state/fleet";
import { formatCompact } from "../../state/number";

interface Props {
  readonly vehicles: string;
  readonly total: Counts;
  /** The table in that order, and whether its first vehicle is opened to what is behind its numbers. */
  readonly onLead: (order: Order, open: boolean) => void;
}

export function Tiles({ vehicles, total, onLead }: Props) {
  const { rows, unknown_id, decode_error, bad_rows, quarantined, pending } = total;
  const most = (by: Order["by"]): Order => ({ by, down: true });
  const tiles: readonly (readonly [string, string, Order, boolean])[] = [
    ["vehicles", vehicles, { by: "vehicle", down: false }, false],
    ["frames", formatCompact(rows), most("rows"), false],
    ["decoded", formatShare(decodedShare(total)), { by: "decoded", down: false }, false],
    ["unknown ids", formatCompact(unknown_id), most("unknown_id"), unknown_id > 0],
    ["errors", formatCompact(decode_error), most("decode_error"), decode_error > 0],
    ["bad rows", formatCompact(bad_rows), most("bad_rows"), bad_rows > 0],
    ["in quarantine", formatCompact(quarantined), most("quarantined"), quarantined > 0],
    ["waiting", formatCompact(pending), most("pending"), pending > 0],
  ];
  return (
    <ul className="tiles" aria-label="The fleet in numbers">
      {tiles.map(([name, value, order, open]) => (
        <li key={name}>
          <button type="button" className="tile" onClick={() => onLead(order, open)}>
            <span className="tile-name">{name}</span> <span className="tile-value number">{value}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
