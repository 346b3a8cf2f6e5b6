import { hash } from 'node:crypto';

const BLOCK_SIZE = 4096;
const SALT = Buffer.alloc(8);

/**
 * Computes the root of a Merkle tree of 4 KiB blocks from a stream: SHA-256 with eight zero bytes of
 * salt, and the last block of each level padded with zeros. Each level keeps one block and passes its
 * digests to the level above, so memory does not grow with the content.
 * Source: https://source.android.com/docs/security/features/apksigning/v2#integrity-protected-contents
 * and https://docs.kernel.org/filesystems/fsverity.html#merkle-tree
 */
export class VerityTree {
  private readonly leaves = new Level();

  update(bytes: Buffer): void {
    this.leaves.update(bytes);
  }

  /** The root hash, 32 bytes. Call it once, after the last `update`. */
  root(): Buffer {
    // Even a single leaf has a level above it.
    return this.leaves.flush().root();
  }
}

class Level {
  /** Begins with the salt, so that a block is hashed in one call. */
  private readonly block = Buffer.concat([SALT, Buffer.alloc(BLOCK_SIZE)]);
  private filled = 0;
  private above: Level | undefined;

  update(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      // A full block is kept until more content arrives: if it stays the only one, its digest is the root.
      if (this.filled === BLOCK_SIZE) this.flush();
      const taken = bytes.copy(this.block, SALT.length + this.filled, at);
      at += taken;
      this.filled += taken;
    }
  }

  root(): Buffer {
    return this.above === undefined ? this.digest() : this.flush().root();
  }

  /** Passes the block's digest to the level above, and returns that level. */
  flush(): Level {
    this.above ??= new Level();
    this.above.update(this.digest());
    this.filled = 0;
    return this.above;
  }

  private digest(): Buffer {
    this.block.fill(0, SALT.length + this.filled);
    return hash('sha256', this.block, 'buffer');
  }
}
