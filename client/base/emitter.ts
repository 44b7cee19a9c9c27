import { ObservableV2 } from "lib0/observable";
import { type Clock, throwLater } from "./clock.ts";

/** A handler of any event. It is a method, since TypeScript compares parameters of methods in both directions. */
interface AnyHandler {
  handle(...args: unknown[]): void;
}

/** Emits events. An error of the app's handler is thrown in a turn of its own: it stops nothing of the library's work. */
export class Emitter<Events extends { [Name in keyof Events]: AnyHandler["handle"] }> extends ObservableV2<Events> {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override emit<Name extends keyof Events & string>(name: Name, args: Parameters<Events[Name]>): void {
    try {
      super.emit(name, args);
    } catch (thrown) {
      throwLater(this.#clock, thrown);
    }
  }
}
