"""Holds what was said by EWS to Microsoft's schema.

Called with the folder of the schema's files (`MS-OXWS*.xsd`) and a folder of documents; those named `*.request.xml` were said
by a client, `*.response.xml` by the server. Needs lxml. Prints each complaint once and fails if there are any.
"""

import pathlib
import sys
import tempfile

from lxml import etree

XSD = "{http://www.w3.org/2001/XMLSchema}"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
PREFIXES = {XSD[1:-1]: "xs", TYPES: "t", MESSAGES: "m"}


def schema(folder):
    """The published files include and import each other in circles, and each thing more than once: so they are joined."""
    def joined(kind, namespace):
        root = etree.Element(f"{XSD}schema", nsmap={"xs": XSD[1:-1], "t": TYPES, "m": MESSAGES},
                             targetNamespace=namespace, elementFormDefault="qualified")
        known = set()
        for part in sorted(folder.glob(f"*{kind}.xsd")):
            tree = etree.parse(part)
            for element in tree.iter(f"{XSD}*"):
                for name in {"type", "base", "ref", "itemType", "substitutionGroup"} & set(element.attrib):
                    prefix, _, local = element.get(name).rpartition(":")
                    if prefix == "xml":
                        # xml:lang, whose schema is elsewhere and says no more than that.
                        element.getparent().remove(element)
                        break
                    element.set(name, f"{PREFIXES[element.nsmap[prefix or None]]}:{local}")
            for child in tree.getroot():
                key = (child.tag, child.get("name") if isinstance(child.tag, str) else None)
                if key[1] and key not in known:
                    known.add(key)
                    root.append(child)
        return root

    with tempfile.TemporaryDirectory() as scratch:
        types = pathlib.Path(scratch, "types.xsd")
        types.write_bytes(etree.tostring(joined("types", TYPES)))
        root = joined("message*", MESSAGES)
        root.insert(0, etree.Element(f"{XSD}import", namespace=TYPES, schemaLocation=types.as_uri()))
        messages = pathlib.Path(scratch, "messages.xsd")
        messages.write_bytes(etree.tostring(root))
        return etree.XMLSchema(etree.parse(messages))


def main(schema_folder, documents):
    grammar = schema(pathlib.Path(schema_folder))
    complaints, count, faults = {}, 0, 0
    for document in sorted(pathlib.Path(documents).glob("*.xml")):
        body = etree.parse(document).getroot().find(f"{SOAP}Body")
        (said,) = [child for child in body if isinstance(child.tag, str)]
        if said.tag == f"{SOAP}Fault":
            faults += 1
            continue
        if "UserOofSettings" in said.tag:
            # [MS-OXWOOF] is not among the published schemas.
            continue
        count += 1
        said = etree.fromstring(etree.tostring(said))
        if not grammar.validate(said):
            for error in grammar.error_log:
                complaints.setdefault(error.message, document.name)
    for complaint, name in complaints.items():
        print(f"{name}: {complaint}")
    print(f"{count} documents, {faults} faults, {len(complaints)} complaints")
    return 1 if complaints or not count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
