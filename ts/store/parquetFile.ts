import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { PendingFile } from './pendingFile.ts';

/** The type of a column; every column may hold nulls. */
export type ColumnType = 'STRING' | 'DOUBLE';

/** A row: a value for each column; one that is absent is null. */
export type Row = Readonly<Record<string, string | number | null | undefined>>;

/** Rows of a row group, which is held in memory as a whole. */
const GROUP_ROWS = 10_000;

/** UTF-16 units of text in a row group, beyond which it ends with fewer rows. */
const GROUP_TEXT = 1 << 23;

/**
 * A Parquet file that is written row group by row group (Snappy, data pages V2) and appears under its name when all rows
 * are there: until {@link ParquetFile.finish} a reader sees the old file or none. Memory holds one row group, and what
 * the footer says of each. Texts are UTF-8: half a surrogate pair becomes U+FFFD.
 */
export class ParquetFile {
  private readonly file: PendingFile;
  private readonly bytes = new ByteWriter();
  private readonly writer: ParquetWriter;
  private readonly columns: Readonly<Record<string, ColumnType>>;
  private rows: Row[] = [];
  private text = 0;

  /** @param columns name -> type, in the order of the file. @throws an error of the file system */
  constructor(path: string, columns: Readonly<Record<string, ColumnType>>) {
    this.columns = columns;
    const columnData = Object.entries(columns).map(([name, type]) => ({ name, type, data: [] }));
    this.writer = new ParquetWriter({
      writer: this.bytes,
      schema: schemaFromColumnData({ columnData }),
      createdBy: 'rzero with hyparquet-writer',
    });
    this.file = new PendingFile(path);
  }

  /** @throws Error for a value that is not of its column's type; an error of the file system */
  add(row: Row): void {
    this.rows.push(row);
    for (const value of Object.values(row)) if (typeof value === 'string') this.text += value.length;
    if (this.rows.length >= GROUP_ROWS || this.text >= GROUP_TEXT) this.writeGroup();
  }

  /** All rows are there. @throws as {@link ParquetFile.add} */
  finish(): void {
    if (!this.file.isOpen) return;
    this.writeGroup();
    this.writer.finish();
    this.flush();
    this.file.finish();
  }

  /** What is not finished goes; afterwards nothing is left to do. */
  discard(): void {
    this.file.discard();
  }

  private writeGroup(): void {
    const { rows } = this;
    this.rows = [];
    this.text = 0;
    const columnData = Object.keys(this.columns).map((name) => ({ name, data: rows.map((row) => row[name]) }));
    this.writer.write({ columnData, rowGroupSize: GROUP_ROWS });
    this.flush();
  }

  private flush(): void {
    this.file.append(this.bytes.getBytes());
    this.bytes.index = 0;
  }
}
