/** Messages and their signals: search, open, tick, mark. */

import { memo, useRef, useState } from "react";
import type { Catalogue } from "../api/catalogue";
import { useCommand } from "../state/command";
import { matching, wordsOf } from "../state/search";
import { selectSignals, useView } from "../state/view";
import { FavouriteNode } from "./FavouriteNode";
import { Icon } from "./Icon";
import { MessageNode } from "./MessageNode";
import { walkTree } from "./treeKeys";

interface Props {
  readonly catalogue: Catalogue;
  readonly search: string;
  readonly onSearch: (text: string) => void;
  readonly opened: ReadonlySet<string>;
  readonly onOpened: (opened: ReadonlySet<string>) => void;
}

export const SignalTree = memo(function SignalTree({ catalogue, search, onSearch, opened, onOpened }: Props) {
  const selected = useView((view) => view.signals) ?? [];
  const field = useRef<HTMLInputElement>(null);
  const tree = useRef<HTMLUListElement>(null);
  const [favourites, setFavourites] = useState(true);
  // what is chosen at first is open at first; after that the user's word counts
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const words = wordsOf(search);
  const nodes = catalogue.messages.flatMap((message) => {
    const listed = catalogue.listed.get(message.message_name);
    const shown = matching(message.message_name, listed?.signals ?? [], words);
    if (words.length > 0 && shown.length === 0) return [];
    const chosen = selected.filter((key) => key.startsWith(`${message.message_name}.`)).length;
    const open = words.length > 0 || opened.has(message.message_name) || (chosen > 0 && !touched.has(message.message_name));
    return [{ message, listed, shown, chosen, open }];
  });
  const toggle = (name: string, open: boolean): void => {
    setTouched(new Set([...touched, name]));
    const next = new Set(opened);
    if (open) next.delete(name);
    else next.add(name);
    onOpened(next);
  };
  useCommand("search", () => field.current?.focus());
  return (
    <section className="signals" aria-label="Signals">
      <div className="search">
        <Icon name="search" />
        <input
          ref={field}
          className="input"
          type="search"
          placeholder="Find a signal or message"
          aria-label="Find a signal or message"
          value={search}
          onChange={(event) => onSearch(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              onSearch("");
              event.currentTarget.blur();
            } else if (event.key === "ArrowDown") {
              event.preventDefault();
              tree.current?.querySelector<HTMLElement>("[data-row]")?.focus();
            }
          }}
        />
        <kbd>/</kbd>
      </div>
      {selected.length > 0 && (
        <p className="chosen-line">
          <span className="count">{selected.length} shown</span>
          <button type="button" className="text-button" onClick={() => selectSignals([])}>
            Clear
          </button>
        </p>
      )}
      <ul className="tree" role="tree" ref={tree} aria-label="Messages and signals" aria-multiselectable="true" onKeyDown={walkTree}>
        {words.length === 0 && <FavouriteNode catalogue={catalogue} open={favourites} onToggle={() => setFavourites(!favourites)} />}
        {nodes.map(({ message, listed, shown, chosen, open }) => (
          <MessageNode
            key={message.message_name}
            message={message}
            signals={listed ? shown : null}
            chosen={chosen}
            open={open}
            onToggle={() => toggle(message.message_name, open)}
          />
        ))}
      </ul>
      {words.length > 0 && nodes.length === 0 && (
        <p className="hint" role="status">
          {catalogue.complete ? `No signal matches “${search}”: names, units, descriptions and names of values were searched.` : "Searching…"}
        </p>
      )}
      {catalogue.messages.length === 0 && !catalogue.complete && !catalogue.error && (
        <div className="skeleton-list" role="status" aria-label="Loading signals" />
      )}
    </section>
  );
});
