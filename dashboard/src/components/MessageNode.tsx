/** One message of the tree with its signals. */

import type { Message, Signal } from "../api/types";
import { formatCompact, formatCount, nounFor } from "../state/number";
import { Icon } from "./Icon";
import { SignalRow } from "./SignalRow";

interface Props {
  readonly message: Message;
  /** null: not known yet. */
  readonly signals: readonly Signal[] | null;
  readonly chosen: number;
  readonly open: boolean;
  readonly onToggle: () => void;
}

export function MessageNode({ message, signals, chosen, open, onToggle }: Props) {
  const frames = nounFor(message.sample_count, "frame");
  return (
    <li role="treeitem" aria-expanded={open} aria-selected={chosen > 0}>
      <button type="button" data-row className="message" onClick={onToggle}>
        <span className={open ? "caret open" : "caret"}>
          <Icon name="right" />
        </span>
        <span className="message-name" title={message.message_name}>
          <span className="unseen">Message </span>
          {message.message_name}
        </span>
        {chosen > 0 && (
          <span className="count">
            {chosen}
            <span className="unseen"> shown</span>
          </span>
        )}
        <span className="muted number message-size" title={`${formatCount(message.sample_count)} ${frames}`}>
          {formatCompact(message.sample_count)}
          <span className="unseen"> {frames}</span>
        </span>
      </button>
      {open && (
        <ul role="group">
          {signals?.map((signal) => (
            <SignalRow key={signal.signal_name} message={message.message_name} signal={signal} />
          ))}
          {signals === null && <li className="hint">Loading…</li>}
        </ul>
      )}
    </li>
  );
}
