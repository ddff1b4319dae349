/** What stands in front of everything while nobody is signed in and the service wants to know who asks. */

import { useState } from "react";
import { signIn, useSignIn } from "../api/auth";
import { Notice } from "./Notice";

export function SignInPage() {
  const fault = useSignIn((state) => state.fault);
  const [leaving, setLeaving] = useState(false);
  const leave = async (): Promise<void> => {
    setLeaving(true);
    await signIn();
    setLeaving(false);
  };
  return (
    <main className="sign-in">
      <Notice icon="person" title="Sign in to see your vehicles">
        <p>This service answers those whom it knows. You sign in on your organisation’s own page, and come back to where you are now.</p>
        {fault !== null && (
          <p className="fault" role="alert">
            Signing in failed: {fault}.
          </p>
        )}
        <button type="button" className="button" disabled={leaving} onClick={() => void leave()}>
          Sign in
        </button>
      </Notice>
    </main>
  );
}
