import { describe, expect, it } from "vitest";
import type { Signal } from "../api/types";
import { defaultSignals } from "./defaults";

const signal = (signal_name: string, min_value = 0, max_value = 1): Signal => ({
  signal_name, unit: "", min_value, max_value, avg_value: 0,
});
const listed = (message_name: string, sample_count: number, ...signals: Signal[]) => ({
  message: { message_name, sample_count }, signals,
});

describe("defaultSignals", () => {
  it("prefers what tells most of an electric drive", () => {
    const catalogue = [listed("BMS", 5, signal("Cell_1"), signal("Pack_SOC")), listed("Motor", 9, signal("Motor_RPM"))];
    expect(defaultSignals(catalogue)).toEqual(["Motor.Motor_RPM", "BMS.Pack_SOC"]);
  });

  it("takes a moving signal of each of the three busiest messages otherwise", () => {
    const catalogue = [
      listed("Slow", 1, signal("s")),
      listed("Fast", 9, signal("constant", 4, 4), signal("moving")),
      listed("Empty", 99),
      listed("Still", 8, signal("constant", 4, 4)),
      listed("Mid", 5, signal("m")),
    ];
    expect(defaultSignals(catalogue)).toEqual(["Fast.moving", "Still.constant", "Mid.m"]);
  });

  it("has nothing to choose from an empty vehicle", () => expect(defaultSignals([])).toEqual([]));
});
