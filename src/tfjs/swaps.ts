/** Lets layers and variables of a model behave otherwise for a while: tfjs has no hooks of its own. */

// biome-ignore lint/suspicious/noExplicitAny: members of any object of tfjs
type Member = any;

/** Members that were replaced, to be put back. */
export class Swaps {
  readonly #undo: (() => void)[] = [];

  /** Replaces a member; `make` is given the one that is there now, bound to its object if it is a method. */
  replace(owner: object, name: string, make: (before: Member) => Member): void {
    const object = owner as Record<string, Member>;
    const own = Object.getOwnPropertyDescriptor(object, name);
    const before = object[name];
    const member = make(typeof before === "function" ? before.bind(object) : before);
    Object.defineProperty(object, name, { value: member, configurable: true, writable: true });
    this.#undo.push(() => {
      // A method of the class is behind it; a member of the object itself was in its place.
      if (own) Object.defineProperty(object, name, own);
      else delete object[name];
    });
  }

  /** Puts all back, the last one first. */
  undo(): void {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) undo();
  }
}
