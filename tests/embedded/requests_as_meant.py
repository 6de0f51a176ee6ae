"""What the document means and no schema can say: loaded by schemathesis, see contract.toml."""

import schemathesis

# Beyond it a float's digits are its own invention, and near its end more than a parser takes.
LARGEST = 2**53


def digits(value):
    """JSON Schema counts 148.0 among the integers. The contract asks for digits: no number passes through a float."""
    if isinstance(value, dict):
        return {name: digits(member) for name, member in value.items()}
    if isinstance(value, list):
        return [digits(element) for element in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return int(value)
    return value


@schemathesis.hook
def map_body(context, body):
    return digits(body)


@schemathesis.hook
def map_query(context, query):
    return digits(query)
