interface Modules {
  "node:fs/promises": typeof import("node:fs/promises");
  "node:path": typeof import("node:path");
  "node:url": typeof import("node:url");
  "node:zlib": typeof import("node:zlib");
}

/**
 * A module of Node, or undefined elsewhere. Not `import()`: bundlers follow that into browser builds,
 * and webpack fails on the `node:` scheme.
 */
export function nodeModule<Name extends keyof Modules>(name: Name): Modules[Name] | undefined {
  const host = globalThis.process as { getBuiltinModule?: (name: string) => unknown } | undefined;
  return host?.getBuiltinModule?.(name) as Modules[Name] | undefined;
}

/** A module of Node, where there is no way without. @throws Error outside of Node */
export function requireNode<Name extends keyof Modules>(name: Name): Modules[Name] {
  const module = nodeModule(name);
  if (module === undefined) throw new Error(`files on disk need Node >= 20.16: ${name} is not here`);
  return module;
}
