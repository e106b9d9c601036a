/** A GPU, a model or a layout that cannot be planned with. The message names what was seen and what is allowed. */
export class PlacementError extends Error {
  override readonly name = 'PlacementError';
}
