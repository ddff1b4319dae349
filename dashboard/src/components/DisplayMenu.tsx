/** How charts are drawn: the grid, and how many points a signal gets. */

import { useRef, useState } from "react";
import { POINTS, setDisplay, switchGrid, useDisplay } from "../state/display";
import { formatCount } from "../state/number";
import { Icon } from "./Icon";
import { useDismiss } from "./useDismiss";

export function DisplayMenu() {
  const root = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const { maxPoints, showGrid } = useDisplay();
  useDismiss(root, open, () => setOpen(false));
  return (
    <div className="pop" ref={root}>
      <button
        type="button"
        className="icon-button"
        aria-label="Display"
        aria-haspopup="true"
        aria-expanded={open}
        title="Display: points and grid"
        onClick={() => setOpen(!open)}
      >
        <Icon name="sliders" />
      </button>
      {open && (
        <div className="pop-menu" role="group" aria-label="Display">
          <label className="choice">
            <input type="checkbox" checked={showGrid} onChange={switchGrid} />
            Grid
            <kbd>#</kbd>
          </label>
          <label className="choice">
            Points per signal
            <select
              value={maxPoints ?? ""}
              onChange={({ target }) => setDisplay({ maxPoints: target.value === "" ? null : Number(target.value) })}
            >
              <option value="">as the screen can show</option>
              {POINTS.map((count) => (
                <option key={count} value={count}>
                  {formatCount(count)}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
    </div>
  );
}
