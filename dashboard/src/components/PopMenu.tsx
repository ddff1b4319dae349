/** A button and what it opens below itself, until that is chosen from, Escape is pressed, or something elsewhere is. */

import { useRef, type ReactNode } from "react";
import { usePopup } from "./usePopup";

interface Props {
  /** What the menu is called. */
  readonly label: string;
  readonly className: string;
  readonly title?: string;
  readonly disabled?: boolean;
  /** What is on the button. */
  readonly face: ReactNode;
  readonly children: (close: () => void) => ReactNode;
}

export function PopMenu({ label, className, title, disabled = false, face, children }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = usePopup(root, button);
  return (
    <div className="pop" ref={root}>
      <button
        type="button"
        ref={button}
        className={className}
        aria-label={label}
        aria-haspopup="true"
        aria-expanded={open}
        title={title}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        {face}
      </button>
      {open && (
        <div className="pop-menu" role="group" aria-label={label}>
          {children(() => setOpen(false))}
        </div>
      )}
    </div>
  );
}
