"""The stock gRPC client for Python, unmodified, with generated messages. Run by ./test; needs python3-grpcio, python3-protobuf and protoc."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

import grpc

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
GENERATED = tempfile.mkdtemp(prefix='puff-edge-protos-')
PROTOS = os.path.join(ROOT, 'src', 'Puff.Edge', 'Protos')
subprocess.run(['protoc', f'-I{PROTOS}', f'--python_out={GENERATED}', 'kv.proto', 'blob.proto', 'query.proto'], check=True)
sys.path.insert(0, GENERATED)

import blob_pb2  # noqa: E402
import kv_pb2  # noqa: E402
from google.protobuf import wrappers_pb2  # noqa: E402


class EdgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='puff-edge-')
        binary = os.path.join(ROOT, 'src', 'Puff', 'bin', 'Release', 'net10.0', 'puff.dll')
        cls.server = subprocess.Popen(['dotnet', binary, 'edge', 'run', '127.0.0.1:0'], cwd=cls.folder.name, stderr=subprocess.PIPE, text=True)
        cls.channel = grpc.insecure_channel(re.search(r'http://(127\.0\.0\.1:\d+)', cls.server.stderr.readline()).group(1))

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.terminate()
        code = cls.server.wait(20)
        cls.server.stderr.close()
        cls.folder.cleanup()
        assert code == 0, code

    def stream(self, path, requests, answer):
        call = self.channel.stream_stream(path, request_serializer=lambda message: message.SerializeToString(), response_deserializer=answer.FromString)
        return list(call(iter(requests)))

    def test_pairs_in_order(self):
        pairs = [kv_pb2.SetRequest(key=f'key {n}', value=f'wert {n} ä') for n in range(1000)]
        echoes = self.stream('/buffdb.kv.Kv/Set', pairs, kv_pb2.SetResponse)
        self.assertEqual([pair.key for pair in pairs], [echo.key for echo in echoes])
        values = self.stream('/buffdb.kv.Kv/Get', [kv_pb2.GetRequest(key=pair.key) for pair in pairs], kv_pb2.GetResponse)
        self.assertEqual([pair.value for pair in pairs], [value.value for value in values])

    def test_missing_key(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.stream('/buffdb.kv.Kv/Get', [kv_pb2.GetRequest(key='nowhere')], kv_pb2.GetResponse)
        self.assertEqual(grpc.StatusCode.NOT_FOUND, raised.exception.code())

    def test_blobs(self):
        data = bytes(range(256)) * 300
        stored = self.stream('/buffdb.blob.Blob/Store', [blob_pb2.StoreRequest(bytes=data, metadata='text'), blob_pb2.StoreRequest(bytes=data)], blob_pb2.StoreResponse)
        read = self.stream('/buffdb.blob.Blob/Get', [blob_pb2.GetRequest(id=item.id) for item in stored], blob_pb2.GetResponse)
        self.assertEqual([(data, 'text', True), (data, '', False)], [(blob.bytes, blob.metadata, blob.HasField('metadata')) for blob in read])

    def test_comparison(self):
        self.stream('/buffdb.kv.Kv/Set', [kv_pb2.SetRequest(key='x', value='1'), kv_pb2.SetRequest(key='y', value='2')], kv_pb2.SetResponse)
        call = self.channel.stream_unary('/buffdb.kv.Kv/Eq', request_serializer=lambda message: message.SerializeToString(),
                                         response_deserializer=wrappers_pb2.BoolValue.FromString)
        self.assertFalse(call(iter([kv_pb2.EqRequest(key='x'), kv_pb2.EqRequest(key='y')])).value)
        self.assertTrue(call(iter([kv_pb2.EqRequest(key='x'), kv_pb2.EqRequest(key='x')])).value)

    def test_gzip_and_deadline(self):
        call = self.channel.stream_stream('/buffdb.kv.Kv/Set', request_serializer=lambda message: message.SerializeToString(),
                                          response_deserializer=kv_pb2.SetResponse.FromString)
        request = kv_pb2.SetRequest(key='zip', value='z' * 100_000)
        self.assertEqual(['zip'], [echo.key for echo in call(iter([request]), compression=grpc.Compression.Gzip)])
        [value] = self.stream('/buffdb.kv.Kv/Get', [kv_pb2.GetRequest(key='zip')], kv_pb2.GetResponse)
        self.assertEqual(request.value, value.value)


if __name__ == '__main__':
    unittest.main()
