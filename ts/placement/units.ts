/** Bytes of a GiB; memory is always told in these. */
export const GIB = 2 ** 30;

/** Bytes of a MiB, which nvidia-smi counts in. */
export const MIB = 2 ** 20;
