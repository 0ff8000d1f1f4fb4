/** The ear tells of sound by the tenth of a second, and says what it knows of its pitch. */
import { expect, test } from "vitest";
import { readOpusTone } from "../../../fixtures/opus-tone.ts";
import { toneSamples } from "../../../fixtures/tone.ts";
import type { ClientEvent } from "../../client.ts";
import { handClock } from "../_hand-clock.ts";
import { createEar, type Ear } from "./ear.ts";
import { openMicrophone, type Sound, soundSampleCount } from "./microphone.ts";

const stranger = Uint8Array.of(0xfc, 1, 2, 3, 4);
const silence = Uint8Array.of(0xf8, 0xff, 0xfe);
const piece = (n: number) => toneSamples(n * soundSampleCount, soundSampleCount);

test.each<[string, (ear: Ear, n: number) => void, (number | null)[]]>([
  ["the tone", (ear, n) => ear.hearSamples(piece(n)), [440, 440]],
  ["silence", (ear) => ear.hearSamples(new Int16Array(soundSampleCount)), []],
  ["the tone's packets", (ear, n) => ear.hearPacket(readOpusTone()[n]!), [440, 440]],
  ["packets of somebody else's", (ear) => ear.hearPacket(stranger), [null, null]],
  ["some of either", (ear, n) => ear.hearPacket(n < 5 ? readOpusTone()[n]! : stranger), [440, null]],
  ["packets of silence", (ear) => ear.hearPacket(silence), []],
])("a fifth of a second of %s", (_name, hear, expected) => {
  const told: ClientEvent[] = [];
  const ear = createEar({ live: handClock().clock, tell: (event) => told.push(event) });
  for (let n = 0; n < 10; n++) hear(ear, n);
  expect(told.map((event) => event.event === "sound" && event.hz)).toEqual(expected);
});

test("a microphone records fifty pieces a second, until it is stopped", () => {
  const { clock, waiting, fire } = handClock();
  const microphone = openMicrophone(clock);
  const heard: Sound[] = [];
  const stop = microphone.listen((sound) => heard.push(sound));
  for (let n = 1; n <= 51; n++) fire(n * 20);
  expect(heard.map(({ timestamp }) => timestamp)).toEqual(
    Array.from({ length: 51 }, (_, n) => (n + 1) * 960),
  );
  expect(heard[0]!.packet).toEqual(heard[50]!.packet);
  stop();
  fire(52 * 20);
  expect(heard.length).toBe(51);
  microphone.stop();
  expect(waiting()).toEqual([]);
});
