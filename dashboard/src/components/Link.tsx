/** A link within the dashboard: opens without loading the page anew, and like any link in another tab. */

import type { MouseEvent, ReactNode } from "react";
import { openHref } from "../state/page";

interface Props {
  readonly href: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly current?: boolean;
  readonly label?: string;
  readonly title?: string;
  /** Instead of opening `href` as it is. */
  readonly onOpen?: () => void;
}

export function Link({ href, children, className, current = false, label, title, onOpen }: Props) {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (onOpen) onOpen();
    else openHref(href);
  };
  return (
    <a href={href} className={className} aria-current={current ? "page" : undefined} aria-label={label} title={title} onClick={follow}>
      {children}
    </a>
  );
}
