/** One signal of the tree: a box to tick, what is known of it, and a star to find it again. */

import type { Signal } from "../api/types";
import { toggleFavourite, useFavourites } from "../state/favourites";
import { choicesText, descriptionOf } from "../state/meaning";
import { formatValue } from "../state/number";
import { slotColor } from "../state/palette";
import { keyOf } from "../state/signal";
import { toggleSignal, useView } from "../state/view";
import { Icon } from "./Icon";

interface Props {
  readonly message: string;
  readonly signal: Signal;
  /** Name the message as well, where it is not the row above. */
  readonly full?: boolean;
}

export function SignalRow({ message, signal, full = false }: Props) {
  const key = keyOf({ message_name: message, signal_name: signal.signal_name });
  const chosen = useView((view) => view.signals?.includes(key) ?? false);
  const slot = useView((view) => view.slots[key]);
  const favourite = useFavourites(({ keys }) => keys.includes(key));
  const description = descriptionOf(signal);
  const choices = choicesText(signal);
  const more = [description, choices].filter((text) => text !== "").join(" – ");
  return (
    <li role="treeitem" aria-selected={chosen}>
      <div className={chosen ? "signal chosen" : "signal"}>
        <label title={more === "" ? key : `${key}\n${description}\n${choices}`.trim()}>
          <input
            type="checkbox"
            data-row
            data-signal={key}
            aria-label={full ? `Favourite ${key}` : key}
            aria-description={more === "" ? undefined : more}
            checked={chosen}
            onChange={() => toggleSignal(key)}
            style={{ accentColor: slotColor(slot) }}
          />
          <span className="signal-name">{full ? key : signal.signal_name}</span>
          <span className="signal-span muted number">
            {formatValue(signal.min_value, 4)} … {formatValue(signal.max_value, 4)}
          </span>
          <span className="signal-unit">{signal.unit}</span>
        </label>
        <button
          type="button"
          className={favourite ? "star on" : "star"}
          aria-pressed={favourite}
          aria-label={`Favourite: ${key}`}
          title={favourite ? "Take from the favourites  (*)" : "Mark as a favourite  (*)"}
          tabIndex={-1}
          onClick={() => toggleFavourite(key)}
        >
          <Icon name="star" />
        </button>
      </div>
      {more !== "" && <p className="signal-more">{more}</p>}
    </li>
  );
}
