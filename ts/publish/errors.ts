/** Something that cannot be taken away from here, or brought to the hub. The message says what to do. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly code: 'damaged' | 'no_weights' | 'not_convertible' | 'rejected' | 'no_permission' | 'unavailable';

  constructor(code: PublishError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
