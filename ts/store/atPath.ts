/**
 * Do something with a file that is open already, and have the errors of the file system say which one it was: by
 * itself a failed write knows a handle, and no name.
 *
 * @throws what `action` throws, with `path` and the message completed
 */
export function atPath<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const known = error as NodeJS.ErrnoException;
    if (typeof known === 'object' && known?.syscall !== undefined && known.path === undefined) {
      known.path = path;
      known.message += ` '${path}'`;
    }
    throw error;
  }
}
