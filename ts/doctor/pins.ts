/**
 * The versions that a backend is pinned to, as py_worker/pyproject.toml has them: what every worker needs, and the extra
 * of the backend's name.
 *
 * @param pyproject the file's text
 */
export function pinsOf(pyproject: string, backend: string): Record<string, string> {
  return { ...pinned(pyproject, 'dependencies'), ...pinned(pyproject, backend) };
}

function pinned(text: string, list: string): Record<string, string> {
  const [, lines = ''] = new RegExp(`^${list} = \\[$([^\\]]*)^\\]$`, 'm').exec(text) ?? [];
  return Object.fromEntries([...lines.matchAll(/"([\w-]+)==([\w.]+)"/g)].map(([, name, version]) => [name, version]));
}
