"""A gRPC client that knows nothing beforehand: it asks the server's reflection for the contract, as grpcurl does.

usage: reflected.py ADDRESS METHOD JSON...   one unary call a JSON request, or one stream of all of them
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

REFLECTION = "grpc.reflection.v1alpha.ServerReflection"


def reflection_messages():
    """The two messages of the reflection service that are needed here, built by hand."""
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package="r", syntax="proto3")
    field = descriptor_pb2.FieldDescriptorProto
    asked = file.message_type.add(name="Request")
    asked.field.add(name="symbol", number=4, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    files = file.message_type.add(name="Files")
    files.field.add(name="file", number=1, type=field.TYPE_BYTES, label=field.LABEL_REPEATED)
    answer = file.message_type.add(name="Response")
    answer.field.add(name="files", number=4, type=field.TYPE_MESSAGE, type_name=".r.Files", label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return [factory.GetPrototype(pool.FindMessageTypeByName("r." + name)) for name in ("Request", "Response")]


def fetch(channel, service):
    """The pool of all files that the service's file needs."""
    request, response = reflection_messages()
    call = channel.stream_stream(
        f"/{REFLECTION}/ServerReflectionInfo",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    answer = next(call(iter([request(symbol=service)])))
    pool = descriptor_pool.DescriptorPool()
    waiting = [descriptor_pb2.FileDescriptorProto.FromString(data) for data in answer.files.file]
    while waiting:
        ready = [f for f in waiting if not any(d in (w.name for w in waiting) for d in f.dependency)]
        for file in ready:
            pool.Add(file)
        waiting = [f for f in waiting if f not in ready]
    return pool


def main(address, path, *texts):
    service, method = path.split("/")
    with grpc.insecure_channel(address) as channel:
        pool = fetch(channel, service)
        found = pool.FindServiceByName(service).FindMethodByName(method)
        factory = message_factory.MessageFactory(pool)
        asked, answer = factory.GetPrototype(found.input_type), factory.GetPrototype(found.output_type)
        coding = {"request_serializer": asked.SerializeToString, "response_deserializer": answer.FromString}
        requests = [json_format.Parse(text, asked()) for text in texts]
        try:
            if method == "Stream":
                answers = list(channel.stream_stream(f"/{path}", **coding)(iter(requests)))
            else:
                answers = [channel.unary_unary(f"/{path}", **coding)(request) for request in requests]
        except grpc.RpcError as error:
            print(json.dumps({"status": error.code().name, "message": error.details()}))
            return
        for message in answers:
            print(json.dumps(json_format.MessageToDict(message)))


main(*sys.argv[1:])
