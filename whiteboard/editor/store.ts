/** A value that React and others can watch. */
export class Store<Value extends object> {
  readonly #listeners = new Set<() => void>();
  #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  /** The same object as long as nothing of it changed. */
  get value(): Value {
    return this.#value;
  }

  set(fields: Partial<Value>): void {
    const keys = Object.keys(fields) as (keyof Value)[];
    if (keys.every((key) => Object.is(fields[key], this.#value[key]))) return;
    this.#value = { ...this.#value, ...fields };
    for (const listener of this.#listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
