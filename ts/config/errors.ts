/** A configuration that cannot be used. The message names the option, the value seen and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid_config';
}
