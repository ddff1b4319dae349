/** The signals that are marked, above all messages: those that this vehicle has. */

import type { Catalogue } from "../api/catalogue";
import { useFavourites } from "../state/favourites";
import { refOf } from "../state/signal";
import { Icon } from "./Icon";
import { SignalRow } from "./SignalRow";

interface Props {
  readonly catalogue: Catalogue;
  readonly open: boolean;
  readonly onToggle: () => void;
}

export function FavouriteNode({ catalogue, open, onToggle }: Props) {
  const keys = useFavourites((favourites) => favourites.keys);
  const rows = keys.flatMap((key) => {
    const ref = refOf(key);
    const signal = ref && catalogue.listed.get(ref.message_name)?.signals.find(({ signal_name }) => signal_name === ref.signal_name);
    return signal ? [{ key, message: ref.message_name, signal }] : [];
  });
  if (rows.length === 0) return null;
  return (
    <li role="treeitem" aria-expanded={open} aria-selected={false}>
      <button type="button" data-row className="message" onClick={onToggle}>
        <span className={open ? "caret open" : "caret"}>
          <Icon name="right" />
        </span>
        <span className="star on">
          <Icon name="star" />
        </span>
        <span className="message-name">Favourites</span>
        <span className="muted number message-size">{rows.length}</span>
      </button>
      {open && (
        <ul role="group">
          {rows.map(({ key, message, signal }) => (
            <SignalRow key={key} message={message} signal={signal} full />
          ))}
        </ul>
      )}
    </li>
  );
}
