/** A button that is a drawing: its label is read aloud and shown as a tip, with the key that does the same. */

import { Icon, type IconName } from "./Icon";

interface Props {
  readonly icon: IconName;
  readonly label: string;
  readonly hotkey?: string;
  readonly disabled?: boolean;
  /** Given: it is one that stays pressed. */
  readonly pressed?: boolean;
  readonly onClick: () => void;
}

export function IconButton({ icon, label, hotkey, disabled = false, pressed, onClick }: Props) {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      aria-pressed={pressed}
      title={hotkey ? `${label}  (${hotkey})` : label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
