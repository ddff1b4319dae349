/** Who is signed in, and the way out; nothing where nobody has to. */

import { signOut, useSignIn } from "../api/auth";
import { nameOf } from "../api/tokens";
import { IconButton } from "./IconButton";

export function Account() {
  const tokens = useSignIn((state) => state.tokens);
  if (!tokens) return null;
  return (
    <span className="account">
      <span className="muted" data-testid="account">{nameOf(tokens)}</span>
      <IconButton icon="leave" label="Sign out" onClick={() => void signOut()} />
    </span>
  );
}
