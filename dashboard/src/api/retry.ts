/** Asking again for everything that failed. */

import { queryClient } from "./queries";

export const retryFailed = (): void =>
  void queryClient.refetchQueries({ predicate: (query) => query.state.status === "error" });
