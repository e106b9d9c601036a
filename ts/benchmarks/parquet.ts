import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/**
 * The rows of a Parquet file, row group by row group, with any of the format's compressions. Integers of 64 bits come as
 * bigint.
 *
 * @throws Error for a file that is none; an error of the file system
 */
export async function* readParquet(path: string): AsyncGenerator<{ record: unknown; place: string }> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    const rows = await parquetReadObjects({ file, metadata, compressors, rowStart: start, rowEnd: end });
    for (const [index, record] of rows.entries()) yield { record, place: `row ${start + index + 1}` };
    start = end;
  }
}
