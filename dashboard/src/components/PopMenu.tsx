/** A button and what it opens below itself, until that is chosen from, Escape is pressed, or something elsewhere is. */

import { useEffect, useRef, useState, type ReactNode } from "react";
import { useDismiss } from "./useDismiss";

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
  const [open, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  useDismiss(root, open, close);
  useEffect(() => {
    if (!open) return;
    const held = button.current;
    return () => {
      // what had the focus went with the menu: the next Tab begins at its button, not at the top of the page
      if (document.activeElement === document.body) held?.focus();
    };
  }, [open]);
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
          {children(close)}
        </div>
      )}
    </div>
  );
}
