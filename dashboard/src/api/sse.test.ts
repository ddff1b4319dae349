import { expect, it } from "vitest";
import { EventParser } from "./sse";

it("gives whole events, however their text is cut, and passes over comments", () => {
  const text = 'retry: 3000\n\n: still here\n\nid: 7\nevent: points\ndata: {"a":\ndata: 1}\n\ndata: x\r\n\r\nevent: late\ndata: never whole';
  const parser = new EventParser();
  const found = Array.from(text).flatMap((letter) => parser.push(letter));
  expect(found).toEqual([
    { id: "7", type: "points", data: '{"a":\n1}' },
    { id: "7", type: "message", data: "x" },
  ]);
  expect(new EventParser().push(text)).toEqual(found);
});
