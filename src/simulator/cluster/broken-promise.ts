/** One of the promises of promises.ts did not hold. */
export class BrokenPromise extends Error {
  readonly promise: string;

  constructor(promise: string, message: string) {
    super(message);
    this.promise = promise;
  }
}
