"""XML with line numbers, so that a refusal can say where. A document type is refused unread.

Without a document type there are no entities, and so none of their bombs or outside files.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from treasury.refusals import MalformedBankFile


@dataclass
class Node:
    """An element: its name without namespace, the line it begins on, attributes, text, children."""

    name: str
    namespace: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Node"] = field(default_factory=list)

    def all(self, *path: str) -> Iterator["Node"]:
        """Every element at `path` below this one, in the order of the document."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> "Node | None":
        """The first element at `path`, or None."""
        return next(self.all(*path), None)

    def said(self, *path: str) -> str | None:
        """The stripped text of the first element at `path`; None when absent or empty."""
        found = self.first(*path)
        return (found.text.strip() or None) if found is not None else None


def read_xml(text: str, *, message: str) -> Node:
    """The root's one child in an ISO 20022 `Document` of `message` ("camt.054").

    Raises MalformedBankFile with the line for what is not XML, has a document type, or is another
    message.
    """
    root = _parse(text)
    wanted = f":{message}.001."
    if root.name != "Document" or wanted not in f"{root.namespace}.":
        raise MalformedBankFile(
            row=root.line,
            why=f"not a {message} document but {root.name} in {root.namespace or 'no namespace'}",
            why_zh=f"不是 {message} 报文（{root.name}，命名空间 {root.namespace or '无'}）",
        )
    if not root.children:
        raise MalformedBankFile(row=root.line, why="an empty document", why_zh="报文为空")
    return root.children[0]


def _parse(text: str) -> Node:
    # Already text: whatever encoding the file declares was decoded on the way in.
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="|")
    top = Node("", "", 0, {})
    open_nodes = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition("|")
        node = Node(local, namespace, parser.CurrentLineNumber, dict(attributes))
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def characters(data: str) -> None:
        open_nodes[-1].text += data

    def refuse_document_type(*_declared: object) -> None:
        raise MalformedBankFile(
            row=parser.CurrentLineNumber,
            why="a document type is not accepted",
            why_zh="不接受文档类型声明",
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_nodes.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse_document_type
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        said = expat.errors.messages[error.code]
        raise MalformedBankFile(
            row=error.lineno, why=f"not XML: {said}", why_zh=f"不是有效的 XML：{said}"
        ) from error
    return top.children[0]
