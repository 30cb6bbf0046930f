// SPDX-License-Identifier: Apache-2.0
// Bouncy Castle as a judge of signatures. Standard input has one line for each
// mail: the file with the DER, a tab, the file with the detached content (or
// nothing for an opaque one). Standard output has one line for each: "ok
// FINGERPRINT", "bad REASON" or "cannot REASON". The arguments: the PEM file of
// the trust anchor.

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableFile;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.util.Store;

public class Judge {
	private static X509Certificate anchor;

	public static void main(String[] args) throws Exception {
		Security.addProvider(new BouncyCastleProvider());
		CertificateFactory factory = CertificateFactory.getInstance("X.509");
		try (InputStream in = new FileInputStream(args[0])) {
			anchor = (X509Certificate) factory.generateCertificate(in);
		}
		BufferedReader lines = new BufferedReader(
		    new InputStreamReader(System.in));
		for (String line; (line = lines.readLine()) != null;) {
			String[] files = line.split("\t", -1);
			System.out.println(judge(files[0], files[1])
			    .replace('\n', ' '));
			System.out.flush();
		}
	}

	private static String judge(String signature, String content) {
		CMSSignedData data;
		try {
			byte[] der = Files.readAllBytes(Paths.get(signature));
			data = content.isEmpty() ? new CMSSignedData(der)
			    : new CMSSignedData(new CMSProcessableFile(
				new java.io.File(content)), der);
		} catch (Exception e) {
			return "cannot " + e;
		}
		try {
			return judge(data);
		} catch (Exception e) {
			return "bad " + e;
		}
	}

	private static String judge(CMSSignedData data) throws Exception {
		Collection<SignerInformation> signers =
		    data.getSignerInfos().getSigners();
		if (signers.isEmpty())
			return "bad no signer";
		String fingerprint = "";
		for (SignerInformation signer : signers) {
			X509Certificate certificate = certificate(data, signer);
			checkPath(data, certificate);
			if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder()
			    .setProvider("BC").build(certificate)))
				return "bad signature";
			fingerprint = hex(MessageDigest.getInstance("SHA-256")
			    .digest(certificate.getEncoded()));
		}
		return "ok " + fingerprint;
	}

	@SuppressWarnings("unchecked")
	private static X509Certificate certificate(CMSSignedData data,
	    SignerInformation signer) throws Exception {
		Collection<X509CertificateHolder> found =
		    data.getCertificates().getMatches(signer.getSID());
		if (found.isEmpty())
			throw new CMSException("the signer's certificate is missing");
		return new JcaX509CertificateConverter()
		    .getCertificate(found.iterator().next());
	}

	private static void checkPath(CMSSignedData data,
	    X509Certificate certificate) throws Exception {
		List<X509Certificate> all = new ArrayList<>();
		Store<X509CertificateHolder> inside = data.getCertificates();
		for (X509CertificateHolder one : inside.getMatches(null))
			all.add(new JcaX509CertificateConverter()
			    .getCertificate(one));
		X509CertSelector target = new X509CertSelector();
		target.setCertificate(certificate);
		PKIXBuilderParameters parameters = new PKIXBuilderParameters(
		    Collections.singleton(new TrustAnchor(anchor, null)), target);
		parameters.setRevocationEnabled(false);
		parameters.addCertStore(CertStore.getInstance("Collection",
		    new CollectionCertStoreParameters(all)));
		CertPathBuilder.getInstance("PKIX", "BC").build(parameters);
	}

	private static String hex(byte[] bytes) {
		StringBuilder text = new StringBuilder();
		for (byte one : bytes)
			text.append(String.format("%02x", one));
		return text.toString();
	}
}
