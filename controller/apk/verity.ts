import { hash } from 'node:crypto';

const BLOCK_SIZE = 4096;
const DIGEST_SIZE = 32;
const SALT = Buffer.alloc(8);

/**
 * The root of a Merkle tree of 4 KiB blocks, built while the content streams by: SHA-256 with eight
 * zero bytes of salt, the last block of every level padded with zeros.
 * Source: https://source.android.com/docs/security/features/apksigning/v2#integrity-protected-contents
 * and https://docs.kernel.org/filesystems/fsverity.html#merkle-tree
 */
export class VerityTree {
  /** The salt stays in front, so that a block is hashed in one call. */
  private readonly block = Buffer.concat([SALT, Buffer.alloc(BLOCK_SIZE)]);
  private filled = 0;
  private readonly leaves: Buffer[] = [];

  update(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.copy(this.block, SALT.length + this.filled, at);
      at += taken;
      this.filled += taken;
      if (this.filled === BLOCK_SIZE) this.flush();
    }
  }

  /** The root hash, 32 bytes; the tree takes no more content afterwards. */
  root(): Buffer {
    if (this.filled > 0) {
      this.block.fill(0, SALT.length + this.filled);
      this.flush();
    }
    // Even a single leaf gets a level above it.
    let level = nextLevel(Buffer.concat(this.leaves));
    while (level.length > DIGEST_SIZE) level = nextLevel(level);
    return level;
  }

  private flush(): void {
    this.leaves.push(hash('sha256', this.block, 'buffer'));
    this.filled = 0;
  }
}

function nextLevel(level: Buffer): Buffer {
  const digests: Buffer[] = [];
  for (let at = 0; at < level.length; at += BLOCK_SIZE) {
    const block = Buffer.alloc(SALT.length + BLOCK_SIZE);
    level.copy(block, SALT.length, at);
    digests.push(hash('sha256', block, 'buffer'));
  }
  return Buffer.concat(digests);
}
