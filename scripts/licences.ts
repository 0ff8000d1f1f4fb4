/**
 * The licences of what is in a bundle: of each package that gave a file, and of those that are inside a file which is a bundle itself. Knows files
 * and packages, and nothing of who bundles.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

type Named = {
  readonly name: string;
  /** Where it is known. */
  readonly version: string | undefined;
  /** What its own files say at their heads. */
  readonly notices: ReadonlySet<string>;
  /** Where it is installed; `null`: it is not. */
  readonly folder: string | null;
  /** The folder of the package that has it inside. */
  readonly user: string;
};
type Manifest = { name: string; version: string; license?: string; dependencies?: Record<string, string> };
type SourceMap = { sources: string[]; sourcesContent?: (string | null)[] };

/** Characters a line, in the mean: minified code has thousands. */
const minifiedLineLength = 500;

/**
 * One text for all: name, version, licence, and the words of that.
 * @param files what was bundled, paths; those of no package are ours
 * @throws Error for a package whose licence nothing here says, and for a bundle that does not say what is in it
 */
export function licencesOf(files: Iterable<string>): string {
  const named = [...files].flatMap((file) => {
    const folder = folderOf(file);
    if (folder === null) return [];
    const { name, version } = manifestOf(folder);
    const itself: Named = { name, version, notices: new Set(), folder, user: folder };
    return [itself, ...namedIn(file, folder)];
  });
  const texts = new Map<string, string>();
  for (const one of named) {
    const isSaidBetter = ({ name, version, user }: Named) =>
      version !== undefined && name === one.name && user === one.user;
    if (one.version === undefined && named.some(isSaidBetter)) continue;
    const [head, words] = licenceOf(one);
    texts.set(head, `${head}\n\n${words.trim()}\n`);
  }
  return [...texts.keys()]
    .toSorted()
    .map((head) => texts.get(head))
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** Of the package that a file is in. */
function folderOf(file: string): string | null {
  return /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.replaceAll("\\", "/"))?.[1] ?? null;
}

/** Packages inside a file that is a bundle: by its map, and by what its package needs, of which maps may say nothing. */
function namedIn(file: string, folder: string): Named[] {
  const path = mapOf(file, folder);
  if (path === null) return [];
  const { sources, sourcesContent = [] }: SourceMap = JSON.parse(readFileSync(path, "utf8"));
  const owner = folderOf(path)!;
  const named = new Map<string, Named>();
  for (const [index, source] of sources.entries()) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source) ?? [];
    // In pnpm's folders: .pnpm/@bufbuild+protobuf@1.10.1/node_modules/@bufbuild/protobuf/
    const [, pinned] = /\.pnpm\/@?[^/@]+@(\d[^/_(]*)/.exec(source) ?? [];
    if (name === undefined) continue;
    const notices = new Set(named.get(name)?.notices);
    for (const notice of noticesOf(sourcesContent[index] ?? "")) notices.add(notice);
    named.set(name, { name, version: pinned, notices, folder: find(name, owner), user: owner });
  }
  if (named.size === 0) return [];
  for (const name of Object.keys(manifestOf(owner).dependencies ?? {})) {
    if (named.has(name)) continue;
    named.set(name, { name, version: undefined, notices: new Set(), folder: find(name, owner), user: owner });
  }
  return [...named.values()];
}

/** Beside the file, or, where it was copied out of a package that its own needs, in that one's. `null` for what is no bundle. */
function mapOf(file: string, folder: string): string | null {
  const text = readFileSync(file, "utf8");
  const name = /\/\/# sourceMappingURL=(?!data:)(\S+)\s*$/.exec(text)?.[1];
  const needed = Object.keys(manifestOf(folder).dependencies ?? {});
  const places = [
    dirname(file),
    ...needed.flatMap((one) => {
      const at = find(one, folder);
      return at === null ? [] : [join(at, "dist")];
    }),
  ];
  const path = name && places.map((place) => join(place, name)).find((path) => existsSync(path));
  if (path) return path;
  if (text.length / text.split("\n").length < minifiedLineLength) return null;
  throw new Error(
    `${file} is a bundle, and ${name ? `its map ${basename(name)} is not here` : "has no map"}: nothing says whose code is in it, nor under which licences. Leave it out, or find its map.`,
  );
}

/** Comments that give terms. */
function noticesOf(text: string): string[] {
  const comments = text.match(/\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*(?:\n|$))+/gm) ?? [];
  return comments
    .filter(
      (comment) =>
        /copyright/i.test(comment) && /licen[cs]ed under|redistribution|permission is/i.test(comment),
    )
    .map((comment) => comment.replace(/^[ \t]*(?:\/\*+|\*+\/|\/\/|\*)[ \t]?|\*\/$/gm, "").trim());
}

/** The line that it is listed under, and its words. */
function licenceOf({
  name,
  version: pinned,
  notices,
  folder: at,
  user,
}: Named): [head: string, words: string] {
  const { version, license } = at === null ? locked(name) : manifestOf(at);
  if (!license) {
    throw new Error(
      `${name} ${pinned ?? version ?? ""} is bundled with ${user}, and nothing here says its licence: install it, or leave it out.`,
    );
  }
  const head = [name, pinned ?? version].filter(Boolean).join(" ");
  const files =
    at === null ? [] : readdirSync(at).filter((one) => /^(licen[cs]e|copying|notice)\b/i.test(one));
  const words = files.map((one) => readFileSync(join(at!, one), "utf8").trim());
  if (words.length > 0 && pinned !== undefined && pinned !== version) {
    words.unshift(`As it comes with ${version}:`);
  }
  if (words.length === 0)
    words.push(`The package has no file of it. ${notices.size > 0 ? "Its code says:" : ""}`, ...notices);
  return [`${head}, ${license}`, words.join("\n\n")];
}

/** Its folder, from another's, as Node looks for it; `null` where it is not installed. */
function find(name: string, from: string): string | null {
  for (let folder = from; dirname(folder) !== folder; folder = dirname(folder)) {
    const at = basename(folder) === "node_modules" ? join(folder, name) : join(folder, "node_modules", name);
    if (existsSync(join(at, "package.json"))) return at;
  }
  return null;
}

/** What package-lock.json knows of one that is not installed. */
function locked(name: string): Partial<Manifest> {
  const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
  const [, found = {}] =
    Object.entries<Partial<Manifest>>(packages).find(([path]) => path.endsWith(`node_modules/${name}`)) ?? [];
  return found;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
