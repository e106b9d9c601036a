import type { BaseLicence } from './baseLicence.ts';

/** The file of an exported folder that says where it comes from. */
export const MARK_FILE = 'rzero.json';

/** Where a folder comes from: the content of {@link MARK_FILE}. */
export interface ExportMark {
  format: 1;
  kind: 'model' | 'dataset';
  /** The run's UUID. */
  run: string;
  role?: 'challenger' | 'solver';
  iteration?: number;
  /** SHA-256 (hex) of the manifest of the model in the run. */
  manifestSha256?: string;
  form?: 'whole' | 'adapter' | 'merged';
  dtype?: string;
  /** The base's hub name, where it has one; an adapter without one is of use on this machine only. */
  base?: string;
  licence: BaseLicence;
}

/** @returns undefined where it is none */
export function parseMark(text: string): ExportMark | undefined {
  try {
    const mark = JSON.parse(text) as ExportMark;
    const isMark =
      mark.format === 1 &&
      ['model', 'dataset'].includes(mark.kind) &&
      typeof mark.run === 'string' &&
      isObject(mark.licence);
    return isMark ? mark : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Whether a folder may take another's place: it is an earlier export of the same role of the same run, or of its questions. */
export function replaces(mark: ExportMark, earlier: ExportMark): boolean {
  return mark.run === earlier.run && mark.kind === earlier.kind && mark.role === earlier.role;
}
