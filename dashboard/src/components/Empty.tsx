/** What the charts' place says while there is nothing to draw: each with the next step. */

import { Notice } from "./Notice";

export function NoVehicles() {
  return (
    <Notice icon="wave" title="No vehicle yet">
      <p>The lake is empty. Make an hour of driving, or import a log of your own:</p>
      <pre tabIndex={0}>
        telemetry simulate --vehicle VIN_DEMO01 --start 2025-01-15T08:00Z --duration 1h{"\n"}
        telemetry import drive.asc --vehicle MY_CAR{"\n"}
        telemetry decode --pending
      </pre>
      <p className="muted">This page looks again by itself.</p>
    </Notice>
  );
}

export function UnknownVehicle({ vehicle }: { readonly vehicle: string }) {
  return (
    <Notice icon="warning" title={`No vehicle “${vehicle}” here`}>
      <p>Nothing of such a vehicle is decoded in this lake. Choose another one at the top.</p>
      <p className="muted">If it has just begun to drive: this page looks again by itself.</p>
    </Notice>
  );
}

export function NothingDecoded({ vehicle }: { readonly vehicle: string }) {
  return (
    <Notice icon="wave" title="Nothing decoded yet">
      <p>{vehicle} is known, but none of its frames are decoded.</p>
      <pre tabIndex={0}>telemetry decode --pending</pre>
    </Notice>
  );
}
