/** A promise that is awaited later: that it fails before is no crash. */
export function heardLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
