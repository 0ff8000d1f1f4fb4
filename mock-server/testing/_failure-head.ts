/** How matchers fail, for their tests. */

/** The failure's head, without the journal. */
export async function failureHead(expectation: Promise<void>): Promise<string> {
  const message = await expectation.then(
    () => "It passed.",
    (error: Error) => error.message,
  );
  return message.split("\n\n").slice(0, 2).join("\n");
}
