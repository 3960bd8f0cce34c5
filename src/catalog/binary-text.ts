/**
 * Makes text columns compare byte by byte. PostgreSQL orders text by the database's locale unless the column has
 * another collation. This sets it in every migration, so that lists and cursors are the same on both databases.
 */
import { DataTypeNode, OperationNodeTransformer, RawNode } from 'kysely'
import type { ColumnDefinitionNode, KyselyPlugin, RootOperationNode } from 'kysely'

class BinaryTextColumns extends OperationNodeTransformer {
  protected override transformColumnDefinition(node: ColumnDefinitionNode): ColumnDefinitionNode {
    const { dataType } = node
    const isText = DataTypeNode.is(dataType) && dataType.dataType === 'text'
    return super.transformColumnDefinition(
      isText ? { ...node, dataType: RawNode.createWithSql('text collate "C"') } : node,
    )
  }
}

export function binaryText(): KyselyPlugin {
  const columns = new BinaryTextColumns()
  return {
    transformQuery: ({ node }): RootOperationNode => columns.transformNode(node),
    transformResult: async ({ result }) => result,
  }
}
