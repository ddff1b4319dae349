/** How charts are drawn: the grid, and how many points a signal gets. */

import { POINTS, setDisplay, switchGrid, useDisplay } from "../state/display";
import { formatCount } from "../state/number";
import { Icon } from "./Icon";
import { PopMenu } from "./PopMenu";

export function DisplayMenu() {
  const { maxPoints, showGrid } = useDisplay();
  return (
    <PopMenu label="Display" className="button" title="Display: points and grid" face={<Icon name="sliders" />}>
      {() => (
        <>
          <label className="choice">
            <input type="checkbox" checked={showGrid} onChange={switchGrid} />
            Grid
            <kbd>#</kbd>
          </label>
          <label className="choice">
            Points per signal
            <select
              className="input"
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
        </>
      )}
    </PopMenu>
  );
}
