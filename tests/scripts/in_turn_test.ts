import { inTurn } from "../../scripts/in_turn.ts";
import { assertEquals, test } from "../harness.ts";

test("inTurn prints all of the first voice before any of the second, and that as soon as it can", () => {
  const printed: string[] = [];
  const [one, two, three] = inTurn(3, (bytes) => printed.push(new TextDecoder().decode(bytes)));
  const say = (voice: typeof one, text: string) => voice!.say(new TextEncoder().encode(text));
  say(two, "two a");
  say(one, "one a");
  say(three, "three a");
  assertEquals(printed, ["one a"]);
  three!.end();
  say(one, "one b");
  one!.end();
  assertEquals(printed, ["one a", "one b", "two a"]);
  say(two, "two b");
  two!.end();
  assertEquals(printed, ["one a", "one b", "two a", "two b", "three a"]);
});
